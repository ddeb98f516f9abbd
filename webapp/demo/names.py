"""Words that the demo school is made of. People, numbers and addresses are invented.

Mobile numbers begin with 555 and Aadhaar numbers with 0, as no real ones do.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIRLS = _words(
    "Aanya Ananya Anaïs Diya Esha Fatima Gauri Ishita Jahnavi Kavya Lakshmi Meera Nandini Ojasvi Pooja Renée Riya "
    "Saanvi Shruti Siân Tara Urvashi Vaishnavi Zara Zoë अनन्या आराध्या दिव्या गौरी काव्या मीरा नंदिनी पूजा रिया सरस्वती"
)

BOYS = _words(
    "Aarav Advait Arjun Bilal Chirag Dev Eshan François Gautam Harsh Ishaan Jai José Kabir Karan Laksh Manav Nikhil "
    "Ojas Pranav Raghav Rohan Sahil Søren Tanmay Uday Vihaan Yash आरव अर्जुन देव गौतम ईशान कबीर मानव प्रणव राघव विहान"
)

SURNAMES = _words(
    "Agarwal Banerjee Chauhan Das D'Souza Fernandes Gupta Iyer Jha Khan Kulkarni Mehta Mishra Nair Núñez O'Brien Pandey "
    "Patel Qureshi Rao Reddy Sharma Singh Sinha Tiwari Verma Yadav शर्मा मिश्रा सिंह वर्मा यादव गुप्ता"
)

PLACES = (
    "12 Temple Road",
    "4/7 Lake View Colony",
    "Near Old Post Office",
    "गाँधी चौक, वार्ड 5",
    "House 88, Mango Grove",
    "Flat 3B, Neem\u00a0Residency",
    "21 Station Road ",
    "शिवाजी नगर, मकान 14",
    "Château Lane 9",
    "15 River Bank, West",
)

SUBJECTS = (
    "English",
    "Hindi",
    "Mathematics",
    "Science",
    "Social Science",
    "Sanskrit",
    "Computer Science",
    "Physics",
    "Drawing",
    "Music",
    "Accountancy",
    "General Knowledge",
)

CLASSES = ("Nursery", "LKG", "UKG", *(f"Class {number}" for number in range(1, 13)))

ROUTES = {
    "Route 1 - Station Road": ("Railway Station", "Clock Tower", "Grain Market"),
    "Route 2 - Lake Side": ("Lake Gate", "Boat Club", "Lotus Garden", "Lake View Colony"),
    "Route 3 - Old Town": ("Fort Gate", "पुराना बाज़ार", "Temple Square"),
    "Route 4 - Mango Grove": ("Mango Grove", "Canal Bridge", "Dairy Farm"),
    "Route 5 - River Bank": ("River Bank East", "River Bank West", "Ferry Point"),
}

MONTHS = ("April", "May", "June", "July", "August", "September")

MODELS = _words(
    "attendance.attendance auth.group auth.permission contenttypes.contenttype core.auditlog core.exportjob "
    "fee_management.appliedfine fee_management.paymentallocation fee_management.studentfee fees.feesgroup fees.feestype "
    "fines.fine fines.finestudent fines.finetype messaging.messagelog messaging.messagerecipient "
    "messaging.messagetemplate promotion.studentpromotion school_profile.schoolprofile sessions.session "
    "settings.systemsettings student_fees.feedeposit students.student students.studentenrollment "
    "subjects.classsection subjects.subject subjects.subjectassignment teachers.teacher transport.route "
    "transport.stoppage transport.transportassignment users.customuser"
)
