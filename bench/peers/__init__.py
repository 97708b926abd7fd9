"""The same job on other frameworks: programs in environments of their own, which nobody imports."""
