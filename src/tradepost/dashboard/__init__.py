"""Web pages for the people in charge. Everything they show and do goes through the REST routes, asked in process."""
