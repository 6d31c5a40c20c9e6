# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resource types that Graph's reads return, with the names that `$select` and `$filter` may use.

The names are those of Microsoft Graph v1.0's metadata; the default properties are those
of each type's reference page ("user resource type" and so on).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .odata import Kind


def _blanks(scalars: str, lists: str = "", **values: Any) -> Mapping[str, Any]:
    return {
        **dict.fromkeys(scalars.split()),
        **{name: [] for name in lists.split()},
        **values,
    }


_USER_DEFAULT = (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
    "userPrincipalName id"
)
#: "List users": these are returned for a single user only.
_SINGLE_ONLY = (
    "aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills "
    "mailboxSettings"
)

USER = Kind(
    "user",
    "users",
    _blanks(
        "id deletedDateTime signInActivity ageGroup authorizationInfo city companyName consentProvidedForMinor country "
        "createdDateTime creationType customSecurityAttributes department displayName employeeHireDate employeeId "
        "employeeLeaveDateTime employeeOrgData employeeType externalUserState externalUserStateChangeDateTime "
        "faxNumber givenName isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification mail "
        "mailNickname mobilePhone officeLocation onPremisesDistinguishedName onPremisesDomainName "
        "onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime onPremisesSamAccountName "
        "onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName passwordPolicies "
        "passwordProfile postalCode preferredDataLocation preferredLanguage securityIdentifier showInAddressList "
        "signInSessionsValidFromDateTime state streetAddress surname usageLocation userPrincipalName "
        "deviceEnrollmentLimit print identityParentId isManagementRestricted "
        "aboutMe birthday hireDate mySite preferredName mailboxSettings",
        "assignedLicenses assignedPlans businessPhones identities imAddresses licenseAssignmentStates "
        "onPremisesProvisioningErrors otherMails provisionedPlans proxyAddresses serviceProvisioningErrors "
        "interests pastProjects responsibilities schools skills",
        accountEnabled=True,
        userType="Member",
    ),
    tuple(_USER_DEFAULT.split()),
    frozenset(_SINGLE_ONLY.split()),
)

_GROUP_BLANKS = _blanks(
    "id deletedDateTime classification createdDateTime description displayName expirationDateTime mail mailNickname "
    "membershipRule membershipRuleProcessingState onPremisesLastSyncDateTime onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage renewedDateTime "
    "securityIdentifier theme visibility isAssignableToRole",
    "creationOptions groupTypes onPremisesProvisioningErrors proxyAddresses resourceBehaviorOptions "
    "resourceProvisioningOptions serviceProvisioningErrors",
    mailEnabled=False,
    securityEnabled=True,
)
GROUP = Kind("group", "groups", _GROUP_BLANKS, tuple(_GROUP_BLANKS))

DIRECTORY_OBJECT = Kind("directoryObject", "directoryObjects", _blanks("id deletedDateTime"), ("id",))

_ORGANIZATION_BLANKS = _blanks(
    "id deletedDateTime city country countryLetterCode createdDateTime defaultUsageLocation displayName "
    "onPremisesLastSyncDateTime onPremisesSyncEnabled postalCode preferredLanguage state street tenantType",
    "assignedPlans businessPhones marketingNotificationEmails provisionedPlans securityComplianceNotificationMails "
    "securityComplianceNotificationPhones technicalNotificationMails verifiedDomains",
)
ORGANIZATION = Kind("organization", "organization", _ORGANIZATION_BLANKS, tuple(_ORGANIZATION_BLANKS))

_SKU_BLANKS = _blanks(
    "id accountId accountName appliesTo capabilityStatus consumedUnits prepaidUnits skuId skuPartNumber",
    "servicePlans subscriptionIds",
)
SKU = Kind("subscribedSku", "subscribedSkus", _SKU_BLANKS, tuple(_SKU_BLANKS))

_CONTRACT_BLANKS = _blanks(
    "id deletedDateTime customerId defaultDomainName displayName", contractType="SyndicationPartner"
)
CONTRACT = Kind("contract", "contracts", _CONTRACT_BLANKS, tuple(_CONTRACT_BLANKS))

_RELATIONSHIP_BLANKS = _blanks(
    "id activatedDateTime autoExtendDuration createdDateTime customer endDateTime lastModifiedDateTime",
    displayName="",
    duration="P730D",
    status="active",
    accessDetails={"unifiedRoles": []},
)
RELATIONSHIP = Kind(
    "delegatedAdminRelationship",
    "tenantRelationships/delegatedAdminRelationships",
    _RELATIONSHIP_BLANKS,
    tuple(_RELATIONSHIP_BLANKS),
)
