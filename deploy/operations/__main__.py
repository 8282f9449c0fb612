"""`./opencircle`, which is `python -m deploy.operations`."""

if __name__ == "__main__":
    # Imported here: parts that `up` forks look at this module again, and have no use for a command line.
    from deploy.operations.commands import cli

    cli(prog_name="opencircle")
