"""`python -m deploy.embedded`."""

if __name__ == "__main__":
    # Imported here: forked parts look at this module again, and have no use for a command line.
    from deploy.embedded.cli import cli

    cli()
