"""The word lists from which the demo's names and notes are put together."""

from __future__ import annotations

# Countries: region, legal forms, and family names, cities and trades that sound like them.
REGIONS = {
    "DE": "DACH",
    "AT": "DACH",
    "CH": "DACH",
    "FR": "Western Europe",
    "NL": "Western Europe",
    "IT": "Southern Europe",
    "ES": "Southern Europe",
    "PL": "Eastern Europe",
    "SE": "Nordics",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "US": "North America",
    "CA": "North America",
    "JP": "Asia Pacific",
    "KW": "Middle East",
    "MX": "Latin America",
}

LEGAL_FORMS = {
    "DE": ["GmbH", "GmbH & Co. KG", "AG", "e.K."],
    "AT": ["GmbH", "AG"],
    "CH": ["AG", "Sàrl"],
    "FR": ["SARL", "SAS", "SA"],
    "NL": ["B.V.", "N.V."],
    "IT": ["S.r.l.", "S.p.A."],
    "ES": ["S.L.", "S.A."],
    "PL": ["Sp. z o.o.", "S.A."],
    "SE": ["AB"],
    "GB": ["Ltd", "plc", "LLP"],
    "IE": ["Ltd", "DAC"],
    "US": ["Inc.", "LLC", "Corp.", "Co."],
    "CA": ["Inc.", "Ltd."],
    "JP": ["K.K.", "Co., Ltd."],
    "KW": ["W.L.L.", "K.S.C."],
    "MX": ["S.A. de C.V."],
}

FAMILIES = {
    "DE": [
        "Müller",
        "Schröder",
        "Weiß",
        "Hoffmann",
        "Krüger",
        "Böhm",
        "Lindner",
        "Vogel",
        "Brandt",
        "Jäger",
        "Kühn",
        "Seidel",
        "Albrecht",
        "Großmann",
        "Petersen",
        "Steinbach",
        "Reuter",
        "Falk",
    ],
    "AT": ["Gruber", "Höllerer", "Wallner", "Pichler", "Brückl", "Aigner"],
    "CH": ["Zürcher", "Ammann", "Bürgi", "Favre", "Keller", "Rüegg"],
    "FR": ["Lefèvre", "Dubois", "Garçon", "Moreau", "Bérenger", "Chauvin", "Desprès", "Côté"],
    "NL": ["van der Meer", "Jansen", "de Vries", "Bakker", "Visser", "Hoekstra"],
    "IT": ["Rossi", "Bellucci", "D'Amico", "Ferrari", "Colò", "Marchetti"],
    "ES": ["Núñez", "García", "Peña", "Ibáñez", "Castaño", "Ortega"],
    "PL": ["Kowalski", "Wiśniewski", "Dąbrowski", "Zieliński", "Łukasik", "Wójcik"],
    "SE": ["Åkesson", "Lindström", "Sjöberg", "Nyström", "Öberg", "Bergqvist"],
    "GB": ["Hartley", "Ashworth", "Pemberton", "Whitfield", "O'Connor", "Marlow", "Thorne", "Beckett", "Langford", "Sutcliffe"],
    "IE": ["O'Sullivan", "Ní Bhriain", "Doyle", "Fitzgerald", "Byrne"],
    "US": [
        "Calder",
        "Whitaker",
        "Morrison",
        "Delgado",
        "Prescott",
        "O'Reilly",
        "Hayes",
        "Lindqvist",
        "Nguyen",
        "Carver",
        "Monroe",
        "Stockton",
        "Beaumont",
        "Sanderson",
        "McAllister",
        "Rhodes",
    ],
    "CA": ["Tremblay", "MacLeod", "Gagné", "Fraser", "Bélanger"],
    "JP": ["Tanaka", "Watanabe", "Kobayashi", "Shimizu", "Morita"],
    "KW": ["Al-Sabah", "Al-Mutairi", "Al-Rashid", "Al-Ghanim"],
    "MX": ["Hernández", "Guzmán", "Cárdenas", "Muñoz"],
}

CITIES = {
    "DE": ["Köln", "Lübeck", "Leipzig", "Nürnberg", "Kassel"],
    "AT": ["Linz", "Graz"],
    "CH": ["Zürich", "Genève"],
    "FR": ["Lyon", "Orléans", "Besançon"],
    "NL": ["Utrecht", "Delft"],
    "IT": ["Bergamo", "Forlì"],
    "ES": ["Málaga", "Gijón"],
    "PL": ["Łódź", "Gdańsk"],
    "SE": ["Malmö", "Umeå"],
    "GB": ["Leeds", "Bristol", "Kendal", "York"],
    "IE": ["Cork", "Dún Laoghaire"],
    "US": ["Dayton", "Tulsa", "Fresno", "Duluth", "Mobile", "Toledo"],
    "CA": ["Québec", "Halifax"],
    "JP": ["Osaka", "Sendai"],
    "KW": ["Hawalli", "Salmiya"],
    "MX": ["Mérida", "León"],
}

TRADES = {
    "DE": ["Maschinenbau", "Elektrotechnik", "Großhandel", "Werkzeuge", "Kältetechnik", "Baustoffe", "Logistik", "Medizintechnik"],
    "FR": ["Mécanique", "Distribution", "Équipements", "Matériaux", "Logistique"],
    "IT": ["Meccanica", "Forniture", "Impianti"],
    "ES": ["Suministros", "Construcción", "Maquinaria"],
    "PL": ["Budownictwo", "Handel", "Narzędzia"],
    "SE": ["Verkstad", "Teknik", "Bygg"],
    "NL": ["Techniek", "Groothandel"],
    "MX": ["Refacciones", "Distribuidora"],
    "": [
        "Components",
        "Controls",
        "Wholesale",
        "Tools",
        "Fasteners",
        "Refrigeration",
        "Packaging",
        "Instruments",
        "Supply",
        "Logistics",
        "Medical",
        "Bearings",
        "Lighting",
        "Plastics",
    ],
}
TRADE_OF = {"AT": "DE", "CH": "DE"}

# Names that a spreadsheet, a CSV reader or a web page could trip over.
TRICKY_NAMES = [
    'Böhm, Söhne & Partner "Süd" GmbH',
    "O'Brien, O'Dell & Daughters Ltd",
    'The "Little" Parts Co., Inc.',
    "Smith; Jones, & Co",
    "Fischer & <Klein> OHG",
    "100 % Werkzeug GmbH",
    "$ave-Mart Supplies, LLC",
    "Ångström *Precision* AB",
    "@Home Fittings Ltd",
    "+Plus Pflege GmbH",
    "=Gleich= Messtechnik GmbH",
]

SEGMENTS = ["strategic", "key", "mid-market", "small business"]
INDUSTRIES = ["machinery", "automotive", "construction", "wholesale", "health care", "food", "energy", "public sector"]
GROUPS = ["direct", "distributor", "online", "public"]
PRODUCT_LINES = ["controls", "drives", "sensors", "service", "spare parts"]
TEAMS = ["Europe", "Americas", "UK & Overseas"]

GIVEN_NAMES = [
    "Anna",
    "Jürgen",
    "Zoë",
    "Björn",
    "Małgorzata",
    "Sean",
    "Inés",
    "Chloé",
    "Marcus",
    "Priya",
    "Tomás",
    "Heike",
    "Rachel",
    "Kenji",
    "Fatima",
    "Gareth",
    "Lucía",
    "Owen",
    "Sören",
    "Deborah",
    "Emeka",
    "Nadia",
    "Walter",
    "Ingrid",
]
ROLES = ["accounts payable", "finance director", "purchasing", "owner"]

DISPUTE_REASONS = ["price", "quantity", "quality", "proof of delivery", "duplicate", "freight"]
ROOT_CAUSES = ["order entry", "price master", "carrier", "warehouse", "contract", "customer error"]
BOUNCE_REASONS = ["insufficient funds", "account closed", "mandate revoked", "refer to drawer"]
WRITE_OFF_REASONS = ["uncollectable", "insolvency", "uneconomic to pursue"]
AGENCIES = ["Kestrel Recoveries", "Inkasso Hansen", "Harbor Collections"]
INSURERS = ["Atradia", "Coverton"]
NOTES = [
    "Asked for a copy of the invoice",
    "Will be in the next payment run",
    "Approver on holiday until Monday",
    "Says the goods were short, sent to sales",
    "Left a message with reception",
    "Promised to pay by transfer",
    'Said "the cheque is in the post"',
    "Waiting for a purchase order number",
]
