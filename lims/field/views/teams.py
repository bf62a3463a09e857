"""Pages of whoever leads the teams: enrolments, phones, their scans."""
