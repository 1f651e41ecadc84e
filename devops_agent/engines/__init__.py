"""Engines that run a model inside this process."""
