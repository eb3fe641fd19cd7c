"""What every part may use: checks, random streams, files, and what scikit-learn and Ray do not promise to keep."""
