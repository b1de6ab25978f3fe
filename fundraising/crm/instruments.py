"""Payment instruments: the label for a payment method and submethod."""

_CARDS = {
    "accel": "Accel",
    "alia": "Alia",
    "amex": "American Express",
    "argen": "Argencard",
    "bij": "Bijenkorf",
    "cabal": "Cabal",
    "cabal-debit": "Cabal Debit",
    "carnet_debit": "Carnet Debit",
    "cb": "Carte Bleue",
    "cencosud": "Cencosud",
    "cmr": "CMR Falabella",
    "codenza": "Codenza",
    "diners": "Diners",
    "discover": "Discover",
    "elo": "Elo",
    "elo-debit": "Elo Debit",
    "hiper": "HiperCard",
    "jcb": "JCB",
    "laser": "Laser",
    "lider": "Lider",
    "mach": "Mach",
    "maestro": "Maestro",
    "magna": "Magna",
    "mc": "MasterCard",
    "mc-debit": "MasterCard Debit",
    "mercadolivre": "MercadoLivre",
    "naranja": "Naranja",
    "nativa": "Nativa",
    "oca": "OCA",
    "presto": "Presto",
    "rupay": "RuPay",
    "shopping": "Tarjeta Shopping",
    "solo": "Solo",
    "visa": "Visa",
    "visa-beneficial": "Visa Beneficial",
    "visa-debit": "Visa Debit",
    "visa-electron": "Visa Electron",
    "webpay": "Webpay",
}
_WALLET_CARDS = ("accel", "amex", "cb", "discover", "jcb", "maestro", "mc", "visa", "visa-electron")
_WALLETS = {code: _CARDS[code] for code in _WALLET_CARDS}
_BANK_TRANSFERS = {
    "ach": "ACH",
    "banco_do_brasil": "Banco do Brasil",
    "bancomer": "Bancomer",
    "bbva": "BBVA",
    "bcp": "BCP",
    "bradesco": "Bradesco",
    "interbank": "Interbank",
    "itau": "Itau",
    "mercadopago": "MercadoPago",
    "netbanking": "Netbanking",
    "paytmwallet": "PayTM Wallet",
    "picpay": "PicPay",
    "pix": "Pix",
    "pse": "PSE",
    "santander": "Santander",
    "santander_rio": "Santander",
    "stitch": "Stitch",
    "upi": "UPI",
    "webpay_bt": "Webpay",
}

# method: the label, and what follows ": " for each submethod.
_SPECIFIED = {
    "cc": ("Credit Card", _CARDS),
    "apple": ("Apple Pay", _WALLETS | {"apple": "Apple"}),
    "google": ("Google Pay", _WALLETS | {"google": "Google"}),
    "bt": ("Bank Transfer", _BANK_TRANSFERS),
}
# method: the label without, and with each submethod.
_NAMED = {
    "dd": ("Direct Debit", {"ach": "ACH"}),
    "cash": (
        "Cash",
        {
            "cash_abitab": "Abitab",
            "cash_banamex": "Banamex",
            "cash_boleto": "Boleto",
            "cash_davivienda": "Davivienda",
            "cash_efecty": "Efecty",
            "cash_oxxo": "OXXO",
            "cash_pago_efectivo": "Pago Efectivo",
            "cash_pago_facil": "Pago Facil",
            "cash_provencia_pagos": "Provencia Pagos",
            "cash_rapipago": "Rapi Pago",
            "cash_red_pagos": "Red Pagos",
            "cash_santander": "Santander",
            "pix": "Bank Transfer: Pix",
        },
    ),
    "rtbt": (
        "",
        {
            "rtbt_enets": "Enets",
            "rtbt_eps": "EPS",
            "rtbt_ideal": "iDeal",
            "rtbt_nordea_sweden": "Nordea",
            "rtbt_sofortuberweisung": "Sofort",
            "sepadirectdebit": "SEPA Direct Debit",
        },
    ),
    "ew": (
        "",
        {
            "ew_alipay": "Alipay",
            "ew_cashu": "Cashu",
            "ew_moneybookers": "Moneybookers",
            "ew_paypal": "Paypal",
            "ew_webmoney": "Webmoney",
            "ew_yandex": "Yandex",
            "vipps": "Vipps",
        },
    ),
    "obt": ("", {"bpay": "Bpay"}),
    "amazon": ("Amazon", {}),
    "check": ("Check", {}),
    "eft": ("EFT", {}),
    "paypal": ("Paypal", {}),
    "stock": ("Stock", {}),
    "trilogy": ("Trilogy", {}),
    "venmo": ("Venmo", {}),
    "vipps": ("Vipps", {}),
}
_BY_GATEWAY = {
    "amazon": "Amazon",
    "braintree": "Venmo",
    "paypal": "Paypal",
    "paypal_ec": "Paypal",
    "square": "Square Cash",
    "trilogy": "Trilogy",
}
# Labels that only imports and old records use.
_OTHERS = ("Bitcoin", "Citibank France", "Citibank International", "JP Morgan EUR", "Stripe")

# The option values under which other systems know some of the labels.
_BY_OPTION = {
    "1": "Credit Card",
    "2": "Direct Debit",
    "3": "Cash",
    "14": "Bank Transfer",
    "25": "Paypal",
    "189": "Amazon",
    "240": "Apple Pay",
    "243": "Google Pay",
    "274": "Venmo",
}

LABELS: frozenset[str] = frozenset(
    {base for base, _ in _SPECIFIED.values()}
    | {f"{base}: {name}" for base, names in _SPECIFIED.values() for name in names.values()}
    | {base for base, _ in _NAMED.values() if base}
    | {name for _, names in _NAMED.values() for name in names.values()}
    | set(_BY_GATEWAY.values())
    | set(_OTHERS)
)
"""Every payment instrument that a contribution may have."""

_BY_FOLDED = {name.casefold(): name for name in LABELS}


def label(method: str, submethod: str = "", gateway: str = "") -> str:
    """The instrument, or empty when none is known for them.

    An unknown submethod falls back to the method's own label, an unknown method to what the
    gateway is known for, and at last to a label of the method's name.
    """
    method, submethod = method.strip().lower(), submethod.strip().lower()
    return (
        _by_method(method, submethod)
        or _BY_GATEWAY.get(gateway.strip().lower(), "")
        or known(method)
    )


def known(text: str) -> str:
    """The label that ``text`` means: a label in any case or an option value; else empty."""
    return _BY_FOLDED.get(text.strip().casefold(), "") or _BY_OPTION.get(text.strip(), "")


def _by_method(method: str, submethod: str) -> str:
    if method in _SPECIFIED:
        base, specifics = _SPECIFIED[method]
        specific = specifics.get(submethod)
        return f"{base}: {specific}" if specific else base
    base, names = _NAMED.get(method, ("", {}))
    return names.get(submethod, base)
