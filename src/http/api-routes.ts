import packageJson from '../../package.json' with { type: 'json' }
import type { HttpApp } from './http-env.ts'
import { newRoutes } from './new-routes.ts'
import { budgetRoutes } from './routes/budget.ts'
import { eventRoutes } from './routes/events.ts'
import { githubWebhookRoutes } from './routes/github-webhook.ts'
import { healthRoutes } from './routes/health.ts'
import { managerRoutes } from './routes/manager.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { orchestratorRoutes } from './routes/orchestrator.ts'
import { projectRoutes } from './routes/projects.ts'
import { proposerRoutes } from './routes/proposer-enhanced.ts'
import { routingReviewRoutes } from './routes/routing-review.ts'
import { workOrderActionRoutes } from './routes/work-order-actions.ts'
import { workOrderRoutes } from './routes/work-orders.ts'

/** Every route of the contract, in the order the contract lists them. */
export function apiRoutes(): HttpApp {
  return newRoutes()
    .route('/', workOrderRoutes)
    .route('/', workOrderActionRoutes)
    .route('/', eventRoutes)
    .route('/', projectRoutes)
    .route('/', orchestratorRoutes)
    .route('/', budgetRoutes)
    .route('/', managerRoutes)
    .route('/', routingReviewRoutes)
    .route('/', proposerRoutes)
    .route('/', githubWebhookRoutes)
    .route('/', healthRoutes)
    .route('/', metricsRoutes)
}

/** The contract as an OpenAPI 3.1 document; the same routes give the same document, key for key. */
export function openApiDocument() {
  return apiRoutes().getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Moose',
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license },
    },
    servers: [{ url: '/' }],
  })
}
