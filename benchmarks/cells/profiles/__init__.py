"""Profiles of whole tables: those of the papers, and those of a GPU in minutes."""
