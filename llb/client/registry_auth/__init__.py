"""Credentials for registries, as Docker's command keeps them."""
