"""What sweeps are worth, measured: ``python -m sweeps.studies``, from a clone."""
