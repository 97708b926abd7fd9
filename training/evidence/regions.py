"""Names of regions and other names of countries, which no table has: reviewed by hand."""

from __future__ import annotations

from typing import Final

REGIONS: Final[dict[str, str]] = {
    "africa": """
        Africa, Sahara, Sahel, Serengeti, Kilimanjaro, Zanzibar, Kalahari, Maasai Mara, Masai Mara,
        Okavango, Victoria Falls, Lake Victoria, Lake Malawi, Drakensberg, Kruger National Park, Canary
        Islands, Tenerife, Lanzarote, Fuerteventura, Gran Canaria, Madeira, Ivory Coast, Swaziland, Cape
        Verde, DR Congo, Congo, Atlas Mountains, Maghreb, Nile, Reunion Island, La Reunion, Darfur,
        Tigray, Oromia, Cote d Ivoire, Guinee, Cameroun, Maroc, Algerie, Tunisie, Kwazulu Natal, Cape
        Town
    """,
    "antarctica": """
        Antarctica, Antarctic, Antarctic Peninsula, Antarctic Circle, South Pole, Ross Sea, Ross Island,
        Weddell Sea, McMurdo, McMurdo Station, Palmer Station, Rothera, Vostok Station, Halley Bay,
        South Shetland Islands, Deception Island, Paradise Harbour, Paradise Harbor, Neko Harbour, Port
        Lockroy, Lemaire Channel, Antarktis, Antartida, Antarctique, Queen Maud Land, Marie Byrd Land,
        Mount Erebus
    """,
    "asia": """
        Asia, Southeast Asia, Central Asia, Middle East, Near East, Himalaya, Himalayas, Siberia, Bali,
        Java, Sumatra, Borneo, Sulawesi, Lombok, Tibet, Xinjiang, Inner Mongolia, Manchuria, Yunnan,
        Sichuan, Guangdong, Kashmir, Ladakh, Rajasthan, Kerala, Goa, Punjab, Gujarat, Tamil Nadu,
        Karnataka, Assam, Bengal, West Bengal, Maharashtra, Uttarakhand, Himachal Pradesh, Hokkaido,
        Honshu, Kyushu, Shikoku, Okinawa, Mount Fuji, Mt Fuji, Jeju, Korea, South Korea, North Korea,
        Burma, Ceylon, UAE, United Arab Emirates, Anatolia, Cappadocia, Kurdistan, Palestine, West Bank,
        Gaza, Sinai, Mesopotamia, Persia, Gobi, Lake Baikal, Kamchatka, Mekong, Angkor Wat, Taj Mahal,
        Mount Everest, Nippon, Ha Long Bay, Halong Bay, Mindanao, Luzon, Palawan, Boracay, Phuket, Isan
    """,
    "europe": """
        Europe, European Union, Scandinavia, Lapland, Balkans, Baltic, Iberia, Benelux, Alps, Swiss
        Alps, French Alps, Dolomites, Pyrenees, Carpathians, Tatra, Mont Blanc, Matterhorn, Rhine,
        Danube, UK, United Kingdom, Great Britain, Britain, England, Scotland, Wales, Northern Ireland,
        Cornwall, Yorkshire, Lake District, Cotswolds, Isle of Skye, Hebrides, Orkney, Shetland,
        Holland, Netherlands, Nederland, Flanders, Wallonia, Bavaria, Bayern, Saxony, Sachsen, Prussia,
        Black Forest, Deutschland, Allemagne, Alemania, Tyrol, Tirol, Osterreich, Schweiz, Suisse,
        Svizzera, Tuscany, Toscana, Sicily, Sicilia, Sardinia, Sardegna, Lombardy, Piedmont, Umbria,
        Puglia, Italia, Italie, Provence, Normandy, Normandie, Brittany, Bretagne, Alsace, Burgundy,
        Bourgogne, Corsica, Corse, Dordogne, Andalusia, Andalucia, Catalonia, Catalunya, Galicia, Basque
        Country, Asturias, Mallorca, Majorca, Ibiza, Menorca, Espana, Espagne, Algarve, Alentejo,
        Azores, Acores, Crete, Santorini, Mykonos, Peloponnese, Hellas, Bohemia, Moravia, Cesko, Czech
        Republic, Slovensko, Polska, Silesia, Magyarorszag, Transylvania, Dalmatia, Istria, Hrvatska,
        Srbija, Macedonia, Crimea, Ukraina, Rossiya, Suomi, Sverige, Norge, Danmark, Jutland, Lofoten,
        Svalbard, Faroe Islands, Vatican, Kosovo
    """,
    "north-america": """
        North America, Central America, USA, United States, United States of America, Estados Unidos,
        Etats Unis, Caribbean, Alaska, British Columbia, Alberta, Saskatchewan, Manitoba, Ontario,
        Quebec, New Brunswick, Nova Scotia, Newfoundland, Prince Edward Island, Yukon, Nunavut,
        Vancouver Island, Rocky Mountains, Rockies, Yellowstone, Yosemite, Grand Canyon, Niagara Falls,
        Great Lakes, Lake Tahoe, Death Valley, Appalachia, New England, Cape Cod, Long Island, Florida
        Keys, Everglades, Silicon Valley, Manhattan, Brooklyn, Yucatan, Oaxaca, Chiapas, Baja
        California, Quintana Roo, Jalisco, Greenland, Gronland, West Indies, Antilles, Puerto Rico,
        Washington DC, New Mexico
    """,
    "oceania": """
        Oceania, Australasia, Polynesia, Melanesia, Micronesia, Hawaii, Oahu, Maui, Kauai, Big Island,
        Honolulu, Tasmania, Queensland, New South Wales, NSW, Northern Territory, Western Australia,
        South Australia, Outback, Great Barrier Reef, Uluru, Ayers Rock, South Island, North Island,
        Fiordland, Aotearoa, Milford Sound, Aoraki, Tahiti, Bora Bora, Easter Island, Rapa Nui, Papua
        New Guinea, Fiji, Guam
    """,
    "south-america": """
        South America, Patagonia, Andes, Amazonas, Amazon Rainforest, Atacama, Altiplano, Machu Picchu,
        Titicaca, Lake Titicaca, Galapagos, Galapagos Islands, Tierra del Fuego, Torres del Paine,
        Iguazu, Iguacu, Pantanal, Minas Gerais, Bahia, Brasil, Bresil, Uyuni, Salar de Uyuni, Falkland
        Islands, Falklands, South Georgia, Rio Grande do Sul, Mato Grosso, Rio de Janeiro, Rio, Nazca,
        Chaco
    """,
}
"""Names that stand for one continent beyond doubt, divided by commas; they have the highest rank."""

COMMON: Final = frozenset(
    """
    time same split most along normal delta best date green much reading union central forest hook goes
    newton deal peer salt badger semi orange marks nice rich saga golden bell adam brent anderson
    independence agen spring sake manage roman alice para bear boom davis male bartlett ramsey corona
    stanley tours mine mitchell superior leslie acre mach cocoa wilson plum nokia barry bend opportunity
    midway lens march jordan moss pout taylor sterling walker brick euclid surprise sandy springs
    victoria mission shaping ende hola david tank keystone greenwood converse temple clay vista bath
    mobile man bay beach boulder bridge brand bright buffalo canton cedar commerce concord eagle
    enterprise gap grand home hope imperial industry lake lakes liberal lucky marina mesa montana moon
    morning mountain new normal north norwalk ocean old palm park parks paradise pilar plant
    point port post power price pride prospect pueblo ranch rapid red ridge river rock rose royal ruby
    rugby sale san santa santo sea see sierra silver sky smith sol south sparks star stone street strand
    summit sun sunrise sunset sweet tall tower town troy tulip valley van vale viola vision water wave
    west white wood woods young alexander allen amy andrea angel angela anna antonio arnold
    barbara bella benjamin bernard betty bruno carlos carmen carol caroline carson
    chelsea clara claire cristo daniel denis diana diego dixon douglas edward elena elizabeth emma erin
    eva felix fernando florence francis francisco frank franklin fred george grace grant gregory
    hamilton harper harris harry heather helen henderson henry howard hudson ian irene iris isabel
    isabela jackson james jane jessica jesus john johnson jose joseph juan julia kelly kent kim kyle
    laura lauren lawrence lee leo leonardo lewis lincoln linda logan lorena louis louise lucas
    lucia luis luna madison manuel marco marcos margarita maria marie mario marion mark marshall martin
    martina mary mason matthew maya mercedes michael miguel miranda montgomery morgan morris murray
    natalia nelson nicolas nina nora norman oliver olivia oscar owen pablo patricia paul paula pedro
    perry peter philip porter quincy rafael ramon ray regina rene richard richmond rita robert robin
    rodriguez roger roy russell samuel sara sarah scott sergio shelby simon solomon
    stella stephen stuart susan teresa thomas tina tom tracy trinidad tyler valentina vera vernon
    vincent viviana walter warren warner warwick wayne webster wesley wills winston york
    canon nikon leica olympus pentax contax minolta kodak sony ricoh lumix casio konica zeiss holga lomo
    ende bar pub cafe rabat lamp
    """.split()  # noqa: SIM905 - a paragraph of words is what a reviewer can read
)
"""Words, given names, family names and brands that are also places: as places they are not known."""

NAMESAKES: Final = frozenset(
    {"sofia", "salvador", "phoenix", "austin", "charlotte", "alexandria", "washington", "leon"}
)
"""Given names and words whose cities are too large to leave out: known as cities, at the lowest rank."""
