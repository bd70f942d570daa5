"""The version of this package: that of the C header which its declarations were written after."""
__version__ = "0.1.0"
