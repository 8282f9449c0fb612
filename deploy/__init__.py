"""How OpenCircle runs: on one machine, in containers, on Kubernetes."""
