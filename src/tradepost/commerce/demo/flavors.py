"""The two shops that can be loaded: names, currency, places and goods. Data only."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """A warehouse and the towns it serves; the first two towns are near enough for the shop's own drivers."""

    code: str
    name: str
    region: str
    timezone: str
    towns: tuple[tuple[str, str, str, str], ...]  # city, region, postal code, country
    streets: tuple[str, ...]


@dataclass(frozen=True)
class Goods:
    """A product and its variants: sku -> options. Price in minor units of the shop's currency, weight in grams."""

    name: str
    category: str
    brand: str
    price: int
    weight: int
    variants: dict[str, dict[str, str]]
    description: str = ""
    unit: str = "C62"
    scale: int = 0


@dataclass(frozen=True)
class Flavor:
    """What makes one shop differ from the other."""

    name: str
    currency: str
    places: tuple[Place, ...]
    goods: tuple[Goods, ...]
    people: tuple[tuple[str, str], ...]
    drivers: tuple[str, ...]
    suppliers: tuple[str, ...]
    first_customer: int
    last_order: int
    cases: bool = field(default=False)


def _by(stem: str, option: str, values: str) -> dict[str, dict[str, str]]:
    """ "TEE", "size", "S M" -> {"TEE-S": {"size": "S"}, "TEE-M": {"size": "M"}}."""
    return {f"{stem}-{value.upper()}": {option: value} for value in values.split()}


_EUROPE = (
    Place(
        "RTM",
        "Rotterdam",
        "NL",
        "Europe/Amsterdam",
        (
            ("Rotterdam", "ZH", "3011 AD", "NL"),
            ("Schiedam", "ZH", "3111 BN", "NL"),
            ("Utrecht", "UT", "3511 LX", "NL"),
            ("Antwerp", "VAN", "2000", "BE"),
            ("Groningen", "GR", "9711 HN", "NL"),
        ),
        ("Witte de Withstraat", "Nieuwe Binnenweg", "Kruiskade", "Meent", "Oude Haven"),
    ),
    Place(
        "LYS",
        "Lyon",
        "FR",
        "Europe/Paris",
        (
            ("Lyon", "ARA", "69002", "FR"),
            ("Villeurbanne", "ARA", "69100", "FR"),
            ("Marseille", "PAC", "13001", "FR"),
            ("Barcelona", "CT", "08002", "ES"),
        ),
        ("Rue de la République", "Quai Saint-Antoine", "Rue Mercière", "Cours Lafayette"),
    ),
    Place(
        "LEJ",
        "Leipzig",
        "DE",
        "Europe/Berlin",
        (
            ("Leipzig", "SN", "04109", "DE"),
            ("Markkleeberg", "SN", "04416", "DE"),
            ("Berlin", "BE", "10115", "DE"),
            ("Kraków", "MA", "31-001", "PL"),
        ),
        ("Petersstraße", "Karl-Liebknecht-Straße", "Nikolaistraße", "Gottschedstraße"),
    ),
    Place(
        "MXP",
        "Milan",
        "IT",
        "Europe/Rome",
        (
            ("Milan", "MI", "20121", "IT"),
            ("Monza", "MB", "20900", "IT"),
            ("Turin", "TO", "10121", "IT"),
            ("Lugano", "TI", "6900", "CH"),
        ),
        ("Via Torino", "Corso Como", "Via Manzoni", "Viale Monza"),
    ),
)

_OUTDOOR = (
    Goods("Trail running shoe", "shoes", "Nordweg", 8990, 620, _by("SHOE-TRAIL", "size", "40 41 42 43 44")),
    Goods("Road running shoe", "shoes", "Nordweg", 9990, 540, _by("SHOE-ROAD", "size", "39 40 41 42 43 44")),
    Goods("Hiking boot", "shoes", "Kareg", 14990, 1150, _by("BOOT-HIKE", "size", "40 41 42 43")),
    Goods("Organic T-shirt", "apparel", "Plain Field", 2990, 180, _by("TEE-ORG", "size", "S M L XL")),
    Goods("Fleece hoodie", "apparel", "Plain Field", 5990, 520, _by("HOODIE", "size", "S M L XL")),
    Goods("Rain jacket", "apparel", "Kareg", 11990, 480, _by("RAIN", "size", "S M L")),
    Goods("Stoneware mug", "mugs", "Tonwerk", 1490, 380, _by("MUG-STONE", "color", "white blue green")),
    Goods("Travel mug", "mugs", "Tonwerk", 2290, 310, _by("MUG-TRAVEL", "color", "black red")),
    Goods("Solar power bank 10,000 mAh", "electronics", "Lumio", 2200, 240, {"A-100": {}}),
    Goods("Solar power bank 20,000 mAh", "electronics", "Lumio", 3900, 410, {"A-200": {}}),
    Goods("Rechargeable hand warmer", "electronics", "Lumio", 2790, 150, {"B-7": {}}),
    Goods("Desk lamp", "electronics", "Lumio", 4590, 900, _by("LAMP-DESK", "color", "black white")),
    Goods("Mini speaker", "electronics", "Sonari", 3490, 330, _by("SPEAKER", "color", "black blue sand")),
    Goods("Head torch", "electronics", "Lumio", 2690, 95, _by("TORCH", "beam", "200 400")),
    Goods("USB-C cable", "electronics", "Sonari", 990, 60, _by("CABLE-USBC", "length", "1m 2m")),
    Goods("Gas stove", "camping", "Firnlicht", 5490, 700, {"C-205": {}}),
    Goods("Water filter", "camping", "Firnlicht", 3990, 260, {"C-310": {}}),
    Goods("Sleeping mat", "camping", "Firnlicht", 6490, 800, {"D-410": {}}),
    Goods("Tent", "camping", "Firnlicht", 22990, 2900, _by("TENT", "persons", "2P 3P")),
    Goods("Vacuum flask 0.5 l", "camping", "Tonwerk", 2490, 350, {"FLASK-05": {}}),
    Goods("Vacuum flask 1.0 l", "camping", "Tonwerk", 3290, 520, {"FLASK-10": {}}),
    Goods("Camping pan set", "camping", "Firnlicht", 3790, 950, {"PAN-SET": {}}),
    Goods("Hammock", "camping", "Kareg", 4490, 610, {"HAMMOCK": {}}),
    Goods("Backpack", "bags", "Kareg", 8490, 1200, _by("PACK", "volume", "30l 45l")),
    Goods("Dry bag", "bags", "Kareg", 1790, 140, _by("DRYBAG", "volume", "10l 20l")),
    Goods(
        "Coffee beans, by weight",
        "food",
        "Alto Monte",
        2490,
        1000,
        {"COFFEE-KG": {}},
        "Whole beans, weighed to order.",
        "KGM",
        3,
    ),
    Goods("Mint tea", "food", "Alto Monte", 690, 90, {"TEA-MINT": {}}),
    Goods("Nut bar, box of 12", "food", "Alto Monte", 1890, 600, {"BAR-NUT": {}}),
    Goods("Notebook A5", "stationery", "Papierus", 890, 210, _by("NOTE-A5", "ruling", "dots lines")),
    Goods("Aluminium bottle", "camping", "Tonwerk", 1690, 170, _by("BOTTLE", "color", "silver blue")),
)

_PEOPLE = """Anna de Vries|J. Smith|Milan Horvat|Léa Moreau|Thomas Brandt|Giulia Ferraro|Noor Jansen|Pieter Bakker|
Camille Laurent|Hugo Petit|Sofia Lindqvist|Lukas Weber|Elena Marchetti|Jonas Keller|Marta Kowalska|Sanne Visser|
Matteo Conti|Inès Garcia|Felix Wagner|Daan Mulder|Chiara Greco|Emma Dubois|Paul Schneider|Lotte Smit|Marco Rinaldi|
Victor Albrecht|Chloé Girard|J. Smith|Karel Claes|Francesca Villa|Rosa Peters|Oskar Lehmann|Nina Vogel|Jules Fontaine|
Aldo Bruni|Haruka Tanaka|Yousef Al-Sabah|Ewa Nowicka|Bram Willems|Paola Serra"""


def _people(text: str) -> tuple[tuple[str, str], ...]:
    names = [name.strip().partition(" ") for name in text.split("|")]
    return tuple((first, last) for first, _, last in names)


MAIN = Flavor(
    name="Tradewind Outdoor",
    currency="EUR",
    places=_EUROPE,
    goods=_OUTDOOR,
    people=_people(_PEOPLE),
    drivers=tuple(
        """Joris van Dam|Fatima El Amrani|Ruben Kok|Marek Nowak|Luc Bernard|Amélie Roux|Karim Haddad|Stefan Krause|
        Jana Richter|Tobias Lang|Davide Moretti|Sara Colombo""".replace("\n        ", "").split("|")
    ),
    suppliers=tuple(
        "Nordweg Footwear BV|Plain Field Textiles|Tonwerk Keramik GmbH|Lumio Energy Srl|Sonari Audio SAS|"
        "Firnlicht Camping AG|Kareg Mountain SpA|Alto Monte Foods".split("|")
    ),
    first_customer=10480,
    last_order=88270,
    cases=True,
)

SECOND = Flavor(
    name="Harbor & Pine Home",
    currency="USD",
    places=(
        Place(
            "PDX",
            "Portland",
            "US-OR",
            "America/Los_Angeles",
            (("Portland", "OR", "97205", "US"), ("Gresham", "OR", "97030", "US"), ("Boise", "ID", "83702", "US")),
            ("Alder Street", "Burnside Street", "Hawthorne Boulevard"),
        ),
        Place(
            "BOS",
            "Boston",
            "US-MA",
            "America/New_York",
            (("Boston", "MA", "02108", "US"), ("Quincy", "MA", "02169", "US"), ("Albany", "NY", "12207", "US")),
            ("Beacon Street", "Tremont Street", "Commercial Street"),
        ),
    ),
    goods=(
        Goods("Brass lantern", "lighting", "Old Quay", 6400, 1400, {"A-100": {}}),
        Goods("Linen cushion", "textiles", "Pine & Co", 3200, 500, _by("CUSHION", "color", "sand moss clay")),
        Goods("Wool throw", "textiles", "Pine & Co", 8900, 1300, _by("THROW", "color", "gray rust")),
        Goods("Oak side table", "furniture", "Old Quay", 14900, 7800, {"TABLE-OAK": {}}),
        Goods("Cedar candle", "lighting", "Pine & Co", 2400, 420, _by("CANDLE", "size", "S L")),
        Goods("Stoneware vase", "decor", "Old Quay", 4800, 1600, _by("VASE", "size", "S M L")),
    ),
    people=_people(
        "Grace Holloway|Samuel Ortiz|Priya Raman|Wesley Tran|Hannah Doyle|Marcus Bell|Olivia Chen|Dylan Foster|"
        "Renee Caldwell|Isaac Monroe|Tara Whitfield|Caleb Nguyen"
    ),
    drivers=("Nolan Pierce", "Alicia Gomez", "Terry Boone", "Kim Sutter"),
    suppliers=("Old Quay Makers", "Pine and Company Mills"),
    first_customer=20100,
    last_order=88290,
)
