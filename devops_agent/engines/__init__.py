"""Engines that run a model on this machine, without a server of others."""
