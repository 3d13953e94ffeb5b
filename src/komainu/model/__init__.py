"""Nouns: the values every other part speaks in. Nothing here decides and nothing here touches the world."""
