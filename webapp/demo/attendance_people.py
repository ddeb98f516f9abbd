"""Companies, contractors, plants, employees and accounts of the demo attendance system."""

from __future__ import annotations

from itertools import islice, product

from webapp.demo import names
from webapp.demo.framework import install, unusable_password
from webapp.demo.ledger import Ledger, text

COMPANIES = 104
CONTRACTORS = 60
EMPLOYEES = 1250

MODELS = (
    *("auth.group", "auth.permission", "contenttypes.contenttype", "core.attendancerecord", "core.company"),
    *("core.employeeassignment", "core.uploadlog", "core.user", "sessions.session"),
)
CRAFTS = ("Fabrication", "Electricals", "Scaffolding", "Logistics", "Instruments", "Insulation")
TRADES = ("Fitter", "Welder", "Electrician", "Rigger", "Helper", "Mason", "Painter", "Crane operator")
PLANTS = ("Smelter", "Power house", "Rolling mill", "Refinery", "Cast house", "Workshop", "Stores", "Jetty")
ROOT = 1
ADMINS, CLERKS = range(2, 12), range(12, 32)


def hire(system: Ledger) -> None:
    """Write everybody, and everything that attendance refers to."""
    install(system, MODELS)
    system.insert("auth_group", [{"name": "Uploaders"}])
    _companies(system)
    _accounts(system)
    _employees(system)
    _assignments(system)


def company_of(employee: int) -> int:
    """The company of an employee: a few are large, most have a dozen people or fewer."""
    return employee % 4 + 1 if employee % 5 == 0 else employee % COMPANIES + 1


def ep_no(employee: int) -> str:
    """The number on the employee's card."""
    return f"PP50{employee:08d}"


def employee(system: Ledger, number: int) -> dict[str, object]:
    """A person who works at a plant."""
    return {
        "ep_no": ep_no(number),
        "ep_name": f"{system.pick(*names.GIRLS, *names.BOYS)} {system.pick(*names.SURNAMES)}",
        "sector_name": system.pick("Metals", "Energy"),
        "plant_name": PLANTS[number % len(PLANTS)],
        "department_name": system.pick("Operations", "Maintenance", "Projects"),
        "trade_name": TRADES[number % len(TRADES)],
        "skill": system.pick("Skilled", "Semi-skilled", "Unskilled"),
        "card_category": system.pick("Permanent", "Temporary"),
        "contractor_id": 300_000 + company_of(number) % CONTRACTORS,
    } | system.created(400)


def _companies(system: Ledger) -> None:
    called = [f"{owner} {craft}" for craft, owner in product(CRAFTS, names.SURNAMES)]
    system.chance.shuffle(called)
    # Some are known by a number only, as in the lists that such a system is fed with.
    listed = [
        str(300_000 + order) if order % 26 == 25 else name for order, name in enumerate(islice(called, COMPANIES))
    ]
    system.insert("core_company", [{"name": name, "created_at": text(system.before(450))} for name in listed])
    system.insert(
        "contractors",
        [
            {"contractor_code": 300_000 + order, "contractor_name": f"{listed[order]} contract"} | system.created(440)
            for order in range(CONTRACTORS)
        ],
    )
    system.insert(
        "plants",
        [
            {
                "plant_code": f"P{order:02d}",
                "plant_name": name,
                "sector_name": "Metals" if order % 2 else "Energy",
                "site_code": f"S{order % 3}",
                "site_desc": "",
                "created_at": text(system.before(440)),
            }
            for order, name in enumerate(PLANTS, 1)
        ],
    )


def _accounts(system: Ledger) -> None:
    people: list[tuple[str, str, int | None]] = [("root", "root", None)]
    people += [(f"admin{number:02d}", "admin", number - 1) for number in ADMINS]
    people += [(f"clerk{number:02d}", "user1", number % 10 + 1) for number in CLERKS]
    system.insert(
        "core_user",
        [
            {
                "password": unusable_password(system),
                "last_login": text(system.before(order % 20)) if order % 3 else None,
                "is_superuser": role == "root",
                "username": username,
                "first_name": system.pick(*names.GIRLS, *names.BOYS),
                "last_name": system.pick(*names.SURNAMES),
                "email": f"{username}@attendance.example",
                "is_staff": role == "root",
                "is_active": True,
                "date_joined": text(system.before(430)),
                "role": role,
                "company_id": company,
                "assigned_date_from": None,
                "assigned_date_to": None,
            }
            for order, (username, role, company) in enumerate(people)
        ],
    )
    system.insert("core_user_groups", [{"user_id": number, "group_id": 1} for number in ADMINS])


def _employees(system: Ledger) -> None:
    system.insert("employees", [employee(system, number) for number in range(1, EMPLOYEES + 1)])


def _assignments(system: Ledger) -> None:
    called = dict(system.connection.execute("SELECT ep_no, ep_name FROM employees").fetchall())
    staff = [number for number in range(1, EMPLOYEES + 1) if company_of(number) <= 10]
    system.insert(
        "core_employeeassignment",
        [
            {
                "ep_no": ep_no(number),
                "ep_name": called[ep_no(number)],
                "access_from": None,
                "access_to": None,
                "assigned_at": text(system.before(200)),
                "source": "admin",
                "is_active": True,
                "assigned_by_id": ROOT,
                "company_id": company_of(number),
                "user_id": next(clerk for clerk in CLERKS if clerk % 10 + 1 == company_of(number)),
            }
            for number in staff[:200]
        ],
    )
