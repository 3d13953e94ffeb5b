"""What can be asked of Komainu: of the daemon through its socket, and of the files of this machine without it."""
