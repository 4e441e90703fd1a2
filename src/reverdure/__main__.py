"""`python -m reverdure` is the same as `reverdure`."""

from reverdure.cli.main import main

if __name__ == "__main__":
    main()
