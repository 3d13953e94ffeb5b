"""Verbs: what the cluster decides, pure and deterministic. `komainu.agent` carries events in and actions out."""
