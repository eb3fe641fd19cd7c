"""One model on several workers of Ray Train: checked and launched here, trained there, finished here."""
