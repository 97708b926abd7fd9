"""The same job on other frameworks: programs of their own, run in their own environments, imported by nobody."""
