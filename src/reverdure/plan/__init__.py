"""What to restore next, how and when: measures, suitability, the programme as an optimisation."""
