"""What executes a plan: data, feeds, venues, account, journal, report. Imports no tool."""
