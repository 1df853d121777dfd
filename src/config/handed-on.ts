/** Where the operator's own gh keeps its login; only `gh auth token` sees these. */
export const LOGIN_VARIABLES = [
  'HOME',
  'XDG_CONFIG_HOME',
  'GH_CONFIG_DIR',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
]

/** How this machine reaches the net; calls to providers count on these, and gh and git get them. */
export const NETWORK_VARIABLES = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
]

/** Certificates of this machine by the names that tools of set-ups and checks read. */
export const CERTIFICATE_VARIABLES = [
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
  'NPM_CONFIG_CAFILE',
  'npm_config_cafile',
  'YARN_HTTPS_CA_FILE_PATH',
  'NIX_SSL_CERT_FILE',
  'DENO_CERT',
]

/** Where an engine of containers has its settings, its store and its socket; only its client sees these. */
export const ENGINE_VARIABLES = [
  'HOME',
  'LANG',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'CONTAINER_HOST',
  'CONTAINER_SSHKEY',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'DOCKER_HOST',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
]

/**
 * Where the operator's own toolchains are, each by the variable of its tool. Children are told of what is found there
 * (`src/sandbox/toolchains.ts`), never of HOME itself.
 */
export const TOOLCHAIN_VARIABLES = [
  'HOME',
  'XDG_DATA_HOME',
  'CARGO_HOME',
  'RUSTUP_HOME',
  'RUSTUP_TOOLCHAIN',
  'PYENV_ROOT',
  'NVM_DIR',
  'FNM_DIR',
  'VOLTA_HOME',
  'ASDF_DATA_DIR',
  'MISE_DATA_DIR',
  'JAVA_HOME',
  'SDKMAN_DIR',
  'MAVEN_HOME',
  'M2_HOME',
  'GRADLE_HOME',
  'GOROOT',
  'GOBIN',
  'GOPATH',
  'UV_PYTHON_INSTALL_DIR',
  'PNPM_HOME',
  'BUN_INSTALL',
  'DENO_INSTALL',
  'POETRY_HOME',
]

/** Registries of the operator's own; `moose init` offers their hosts, and no child is told of them: they may hold a key. */
export const REGISTRY_VARIABLES = [
  'npm_config_registry',
  'NPM_CONFIG_REGISTRY',
  'YARN_NPM_REGISTRY_SERVER',
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'UV_DEFAULT_INDEX',
  'UV_INDEX',
  'UV_INDEX_URL',
  'UV_EXTRA_INDEX_URL',
  'GOPROXY',
] as const
