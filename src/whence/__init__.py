"""Whence: where inductive bias comes from. Import by module: ``from whence.denoisers.optimal import Optimal``."""

__version__ = "0.1.0"
