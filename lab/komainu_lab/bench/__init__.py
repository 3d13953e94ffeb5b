"""The benchmark: Komainu, Pacemaker and keepalived under the same faults, in the same lab, seen by the same client."""
