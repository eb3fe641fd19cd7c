"""Everything that talks to Ray and Optuna: start trials, choose configurations, stop, log, and go on after a kill."""
