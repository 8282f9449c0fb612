"""What `opencircle doctor` looks at: a file a subject. A check only reads, and shows no health data."""
