import type { ProposerKind } from '../../contract/proposers.ts'

/** What is the same for every proposer of a service. */
export type Preset = {
  kind: ProposerKind
  /** Null: the provider's own, or one that each account has its own of (`own`). */
  baseUrl: string | null
  /** How the address of an account looks; null: `baseUrl` is it. */
  own: string | null
  /** Null: it needs no key, or the usual variable of its kind holds it. */
  keyVariable: string | null
  /** It runs on a machine of one's own, so that no call costs anything. */
  free: boolean
  /** Where the service documents its address. */
  documentation: string
}

const USUAL = { own: null, keyVariable: null, free: false } as const
const COMPATIBLE = { ...USUAL, kind: 'openai-compatible' } as const
const LOCAL = { ...COMPATIBLE, free: true } as const

export const PRESETS: Readonly<Record<string, Preset>> = {
  anthropic: {
    ...USUAL,
    kind: 'anthropic',
    baseUrl: null,
    documentation: 'https://docs.anthropic.com/en/docs/about-claude/models/overview',
  },
  azure: {
    ...COMPATIBLE,
    baseUrl: null,
    own: 'https://RESOURCE.openai.azure.com/openai/v1',
    keyVariable: 'AZURE_OPENAI_API_KEY',
    documentation: 'https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle',
  },
  cerebras: {
    ...COMPATIBLE,
    baseUrl: 'https://api.cerebras.ai/v1',
    keyVariable: 'CEREBRAS_API_KEY',
    documentation: 'https://inference-docs.cerebras.ai/resources/openai',
  },
  deepseek: {
    ...COMPATIBLE,
    baseUrl: 'https://api.deepseek.com/v1',
    keyVariable: 'DEEPSEEK_API_KEY',
    documentation: 'https://api-docs.deepseek.com/',
  },
  fireworks: {
    ...COMPATIBLE,
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariable: 'FIREWORKS_API_KEY',
    documentation: 'https://docs.fireworks.ai/tools-sdks/openai-compatibility',
  },
  google: { ...USUAL, kind: 'google', baseUrl: null, documentation: 'https://ai.google.dev/gemini-api/docs/models' },
  groq: {
    ...COMPATIBLE,
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariable: 'GROQ_API_KEY',
    documentation: 'https://console.groq.com/docs/openai',
  },
  'llama-cpp': {
    ...LOCAL,
    baseUrl: 'http://127.0.0.1:8080/v1',
    documentation: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
  },
  'lm-studio': {
    ...LOCAL,
    baseUrl: 'http://127.0.0.1:1234/v1',
    documentation: 'https://lmstudio.ai/docs/developer/openai-compat',
  },
  mistral: {
    ...COMPATIBLE,
    baseUrl: 'https://api.mistral.ai/v1',
    keyVariable: 'MISTRAL_API_KEY',
    documentation: 'https://docs.mistral.ai/api/',
  },
  ollama: {
    ...LOCAL,
    baseUrl: 'http://127.0.0.1:11434/v1',
    documentation: 'https://docs.ollama.com/api/openai-compatibility',
  },
  openai: { ...USUAL, kind: 'openai', baseUrl: null, documentation: 'https://platform.openai.com/docs/models' },
  openrouter: {
    ...COMPATIBLE,
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariable: 'OPENROUTER_API_KEY',
    documentation: 'https://openrouter.ai/docs/quickstart',
  },
  together: {
    ...COMPATIBLE,
    baseUrl: 'https://api.together.xyz/v1',
    keyVariable: 'TOGETHER_API_KEY',
    documentation: 'https://docs.together.ai/docs/openai-api-compatibility',
  },
  vllm: {
    ...LOCAL,
    baseUrl: 'http://127.0.0.1:8000/v1',
    documentation: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
  },
  xai: {
    ...COMPATIBLE,
    baseUrl: 'https://api.x.ai/v1',
    keyVariable: 'XAI_API_KEY',
    documentation: 'https://docs.x.ai/docs/api-reference',
  },
}
