"""The command `komainu`: the operations of the socket and of this machine's files, in words for people or as JSON."""
