"""Verbs: what the cluster decides. Pure, replicated, deterministic.

`step(state, event)` is the whole of it; `komainu.agent` carries events in and actions out.
"""
