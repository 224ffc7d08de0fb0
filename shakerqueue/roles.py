"""Who may do what, as sets of roles. The guards of the API name these and nothing else."""

from shakerqueue.queries.models import UserRole

STAFF = frozenset({UserRole.EMPLOYEE, UserRole.ADMIN})
ADMINS = frozenset({UserRole.ADMIN})
PEOPLE = frozenset({UserRole.CUSTOMER, UserRole.EMPLOYEE, UserRole.ADMIN})
STAFF_AND_INTEGRATIONS = STAFF | {UserRole.INTEGRATION}
EVERYONE = frozenset(UserRole)
