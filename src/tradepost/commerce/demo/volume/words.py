"""Names of the many customers. None of them is the name of a person or company that the shop's cases are about, nor
holds such a name: who looks for J. Smith or ACME finds the same as before."""

FIRST_NAMES = tuple(
    """Aaron Adele Agnes Albin Aleksander Alina Amira Andrea Anton Arjen Astrid Aurelie Balthasar Beatrix Benedikt Berit
    Bogdan Britta Carla Casimir Cecile Claudia Cornelis Dagmar Damian Delphine Dorota Edgar Eline Elias Emeric Erika
    Esther Fabian Fenna Filip Flora Frederik Gaspard Gerda Gijs Gloria Gregor Hanna Harald Hedwig Helmut Ida Ignaz
    Ilse Irina Ivo Jacek Jasmin Jeroen Johanna Joost Jutta Kamil Katja Kees Klara Konrad Lars Leonie Liesbeth Ludo
    Magda Manon Marcin Margot Mareike Maurits Mirjam Nadia Nils Odile Olaf Otto Pascal Petra Quentin Ralf Renske
    Robin Roxane Ruth Sander Saskia Silvia Stijn Svenja Tamara Teun Tilda Ulrich Ursula Valentin Vera Wanda Wim Wouter
    Yara Yves Zita""".split()
)
LAST_NAMES = tuple(
    """Aalbers Achterberg Adamczyk Allard Amsel Andriessen Arnaud Aubert Baumann Becker Bellini Benoit Berger Blanchard
    Boer Bonnet Borkowski Bosch Brouwer Bruin Caron Carpentier Ceccarelli Chevalier Colin Cuypers Dekker Delacroix
    Denis Dietrich Dijkstra Dupuis Ebert Eckhart Elzinga Engel Esposito Fabbri Faure Ferrand Fiedler Fischer Fortuna
    Franke Gaillard Gallo Gerritsen Giordano Graf Grandjean Groen Haas Hahn Hartman Heinrich Hendriks Herbst Hoekstra
    Huber Huisman Jacobs Jankowski Joly Kaiser Kaczmarek Keizer Klein Koch Kramer Kuipers Lacroix Lambert Lang Leclerc
    Lefevre Lemaire Lindner Lombardi Lubbers Maes Mancini Marchand Martens Mazur Meier Mercier Monti Nagel Neumann
    Nijland Noel Nowak Olivier Oosterhuis Otten Pagano Pawlak Pellegrini Peeters Perrin Pfeiffer Pichler Postma
    Prins Radstake Ravelli Reinders Renaud Ricci Riemer Roelofs Rossi Roussel Ruiter Sabatini Sauer Scholten Schubert
    Seidel Serrano Simons Sorbier Stern Tempelman Terpstra Thierry Timmer Tosi Urbaniak Vandamme Veenstra Verhoeven
    Vermeulen Vidal Vinke Voss Walczak Weiland Wessels Wiersma Winkel Wolters Zandstra Zielinski Zimmer""".split()
)
COMPANY_WORDS = tuple(
    """Alpen Anker Atlas Bergweg Birke Blauw Delta Eiche Estuaire Falken Granit Hafen Heide Horizont Kompass Kuste Lande
    Linden Meridian Nautil Noord Orion Pavillon Polder Rivage Sentier Sommet Steiger Tanne Terra Ulmen Vallon Veld
    Vela Waterkant Weiden Zenit Zuider""".split()
)
COMPANY_KINDS = tuple("Hotels|Guiding|Events|Rental|Schools|Facility|Interiors|Expeditions|Studios|Cafes".split("|"))
