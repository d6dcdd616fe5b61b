"""Whence: where inductive bias comes from. Import rooms by module, for example ``from whence.denoisers.optimal import Optimal``."""

__version__ = "0.1.0"
