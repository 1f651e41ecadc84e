"""The benchmark: real tasks on a real Docker engine and a real cluster, judged by what came of them."""
