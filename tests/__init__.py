"""The tests of Komainu. `tests/unit` mirrors `src/komainu` file by file; `tests/tidy` holds the laws of the tree."""
