"""Reports for the steering committee: of a day and of a week."""
