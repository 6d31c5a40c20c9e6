# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options; their argument spec is in `module_utils/_ansible/connection.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  itglue_url:
    description:
      - Where the account's IT Glue is - its region V(us), V(eu) or V(au), or the address of its API.
      - A key is good for one region only.
      - If not set, the environment variable E(ITGLUE_URL) is used.
    type: str
  itglue_api_key:
    description:
      - An API key of IT Glue, made under Account, Settings, API Keys by an administrator.
      - Access to passwords is not needed. IT Glue revokes a key that has not been used for 90 days.
      - If not set, the environment variable E(ITGLUE_API_KEY) is used.
    type: str
  bms_url:
    description:
      - Where the Kaseya BMS tenant is - its region V(us), V(emea) or V(apac), or the address of its API,
        which for any other server is C(https://api.) and the server's name.
      - If not set, the environment variable E(BMS_URL) is used.
    type: str
  bms_company:
    description:
      - The name of the BMS tenant, as it is given when logging in.
      - If not set, the environment variable E(BMS_COMPANY) is used.
    type: str
  bms_username:
    description:
      - A user of BMS with access to the API whose role may see accounts, and see, create and edit contacts.
      - If not set, the environment variable E(BMS_USERNAME) is used.
    type: str
  bms_password:
    description:
      - The password of O(bms_username).
      - If not set, the environment variable E(BMS_PASSWORD) is used.
    type: str
  bms_mfa_secret:
    description:
      - The base32 secret from which the user's one-time passwords are made, when BMS asks for them.
      - If not set, the environment variable E(BMS_MFA_SECRET) is used.
    type: str
  azure_client_id:
    description:
      - The application ID of the Microsoft Entra app registration. It must have been consented to in each tenant
        that is read, with the application permission C(User.Read.All).
      - Further permissions are optional. C(GroupMember.Read.All) is for groups in the user filter,
        C(Organization.Read.All) for the verified domains of a tenant. The error of each read names what it needs.
      - If not set, the environment variable E(AZURE_CLIENT_ID) is used.
    type: str
  azure_client_secret:
    description:
      - A client secret of the app.
      - Of the three credentials of the app the first one given is used, in this order -
        O(azure_client_secret), O(azure_certificate_path), O(azure_federated_token_file).
      - If not set, the environment variable E(AZURE_CLIENT_SECRET) is used.
    type: str
  azure_certificate_path:
    description:
      - A file with a certificate of the app and its private key, an RSA key, as PEM or PFX. Of several certificates
        in it, the one of the key counts. It takes version 1.35 or newer of C(msal).
      - If not set, the environment variable E(AZURE_CLIENT_CERTIFICATE_PATH) is used.
    type: path
  azure_certificate_password:
    description:
      - The password of the private key in O(azure_certificate_path), when it has one.
      - If not set, the environment variable E(AZURE_CLIENT_CERTIFICATE_PASSWORD) is used.
    type: str
  azure_federated_token_file:
    description:
      - A file with a token of another identity provider that the app trusts (workload identity federation).
        It is read whenever a token is requested. The app must have a federated credential with exactly the issuer,
        the subject and the audience of the token.
      - If not set, the environment variable E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  azure_cloud:
    description:
      - The Microsoft cloud that the tenants are in.
      - If not set, the environment variable E(AZURE_CLOUD) is used.
    type: str
    choices:
      - global
      - usgov
      - dod
      - china
    default: global
  azure_authority_host:
    description:
      - The address that tokens are requested from, instead of that of O(azure_cloud).
      - If not set, the environment variable E(AZURE_AUTHORITY_HOST) is used.
    type: str
  graph_url:
    description:
      - The address of Microsoft Graph, instead of that of O(azure_cloud).
      - If not set, the environment variable E(GRAPH_URL) is used.
    type: str
  ca_path:
    description:
      - A file or directory of certificate authorities to trust, instead of those that come with the Python
        library C(requests). Certificates are always checked.
      - If not set, the environment variable E(REQUESTS_CA_BUNDLE) is used.
    type: path
  timeout:
    description:
      - How many seconds to wait for a service to go on with its answer. Must be greater than 0. The whole answer has to
        be there within twice this time.
    type: float
    default: 30.0
  proxy:
    description:
      - The address of an HTTP proxy, with a user and a password where it needs them. It is not used for services
        on the same machine.
      - If not set, the environment variable E(HTTPS_PROXY) is used.
    type: str
  no_proxy:
    description:
      - Hosts that are asked without O(proxy), separated by commas. A domain counts for all hosts below it, C(*) for
        every host. Ranges of addresses are not understood.
      - If not set, the environment variable E(NO_PROXY) is used.
    type: str
  itglue_quota:
    description:
      - How many requests all runs on this control node together may send to IT Glue in five minutes.
      - IT Glue allows an account 3000, with all its keys and integrations. When this is not set, 1800 are used.
    type: int
  bms_quota:
    description:
      - How many requests all runs on this control node together may send to each endpoint of BMS in an hour.
      - BMS allows 1500. When this is not set, 1425 are used. Set it lower where other tools use the same BMS tenant.
    type: int
requirements:
  - Python 3.11 or newer
  - requests (Python library)
notes:
  - A connection option is taken from the task, from C(module_defaults), or from its environment variable,
    which may be set with the C(environment) keyword too. A blank environment variable counts as not set.
  - Credentials of a service are only needed by a task that uses this service.
  - Options with secrets, and tokens obtained with them, are kept out of results, warnings and error messages.
"""

    # For the inventory plugin, which talks to IT Glue alone.
    INVENTORY = r"""
options:
  itglue_url:
    description:
      - Where the account's IT Glue is - its region V(us), V(eu) or V(au), or the address of its API.
      - A key is good for one region only.
      - It may be a template.
    type: str
    env:
      - name: ITGLUE_URL
  itglue_api_key:
    description:
      - An API key of IT Glue, made under Account, Settings, API Keys by an administrator.
      - Access to passwords is not needed. IT Glue revokes a key that has not been used for 90 days.
      - It may be a template, or encrypted with Ansible Vault.
    type: str
    env:
      - name: ITGLUE_API_KEY
  ca_path:
    description:
      - A file or directory of certificate authorities to trust, instead of those that come with the Python
        library C(requests). Certificates are always checked.
      - It may be a template.
    type: path
    env:
      - name: REQUESTS_CA_BUNDLE
  timeout:
    description:
      - How many seconds to wait for a service to go on with its answer. Must be greater than 0. The whole answer has to
        be there within twice this time.
    type: float
    default: 30.0
  proxy:
    description:
      - The address of an HTTP proxy, with a user and a password where it needs them. It is not used for services
        on the same machine.
      - It may be a template.
    type: str
    env:
      - name: HTTPS_PROXY
  no_proxy:
    description:
      - Hosts that are asked without O(proxy), separated by commas. A domain counts for all hosts below it, C(*) for
        every host. Ranges of addresses are not understood.
      - It may be a template.
    type: str
    env:
      - name: NO_PROXY
  itglue_quota:
    description:
      - How many requests all runs on this control node together may send to IT Glue in five minutes.
      - IT Glue allows an account 3000, with all its keys and integrations. When this is not set, 1800 are used.
    type: int
requirements:
  - Python 3.11 or newer on the controller
  - requests (Python library)
notes:
  - The API key is kept out of messages and out of the cache.
"""
