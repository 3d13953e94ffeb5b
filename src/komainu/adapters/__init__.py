"""The real neighbours behind the ports. Only `komainu.compose` imports from here."""
