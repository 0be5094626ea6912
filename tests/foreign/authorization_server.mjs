// oidc-provider as the authorization server of an MCP server, which stands beside it on a port of its own. How it knows
// its clients (CLIENTS): by documents that they publish, or by letting them register. Its tokens are for that server alone.
import { createServer } from "node:http";

const { ISSUER, PORT, SERVER_PORT, CLIENTS, OIDC_PROVIDER } = process.env;
const { default: Provider } = await import(OIDC_PROVIDER);
const RESOURCE = `http://127.0.0.1:${SERVER_PORT}/mcp`;
const METADATA = `http://127.0.0.1:${SERVER_PORT}/.well-known/oauth-protected-resource/mcp`;

const provider = new Provider(ISSUER, {
  scopes: ["openid", "offline_access", "track"],
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  // The hub's document is on this machine, where the provider's own guard fetches nothing.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true, allowedPolicy: async () => true },
    registration: { enabled: CLIENTS === "registration" },
    clientIdMetadataDocument: { enabled: CLIENTS === "documents", ack: "draft-02" },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => false,
      getResourceServerInfo: (_context, resource) => {
        if (resource !== RESOURCE) throw new Error(`unknown resource ${resource}`);
        return { scope: "track", audience: RESOURCE, accessTokenTTL: 300, accessTokenFormat: "opaque" };
      },
    },
  },
  findAccount: async (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

const seen = { grants: [], refused: [], clients: [], tokens: new Map() };
provider.on("grant.success", ({ oidc }) => {
  seen.grants.push(oidc.params.grant_type);
  seen.clients.push(oidc.client.clientId);
  seen.tokens.set(oidc.account.accountId, oidc.entities.AccessToken);
});
provider.on("grant.error", (_context, error) => seen.refused.push(error.error));

// What an administrator does there: let access tokens end early, or take a person's agreement back.
async function told(url) {
  const token = seen.tokens.get(url.searchParams.get("who"));
  if (url.pathname === "/expire") await token.destroy();
  if (url.pathname === "/revoke") await provider.RefreshToken.revokeByGrantId(token.grantId); // the whole agreement
  return { grants: seen.grants, refused: seen.refused, clients: seen.clients };
}

const TOOL = { name: "whose", description: "Says whose parcels these are.", inputSchema: { type: "object" } };

function result(method, token) {
  if (method === "initialize") {
    return { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "parcels", version: "1" } };
  }
  if (method === "tools/list") return { tools: [TOOL] };
  return { content: [{ type: "text", text: `parcels of ${token.accountId}` }] };
}

async function served(request, body) {
  const url = new URL(request.url, "http://127.0.0.1");
  if (`${url.origin}${url.pathname}`.endsWith("/.well-known/oauth-protected-resource/mcp")) {
    return [200, { resource: RESOURCE, authorization_servers: [ISSUER], scopes_supported: ["track"] }];
  }
  if (url.pathname !== "/mcp") return [200, await told(url)];
  const value = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const token = value && await provider.AccessToken.find(value);
  if (!token || token.aud !== RESOURCE || !token.scopes.has("track")) {
    return [401, {}, { "www-authenticate": `Bearer resource_metadata="${METADATA}", scope="track"` }];
  }
  if (request.method !== "POST") return [405, {}];
  const { id, method } = JSON.parse(body);
  if (id === undefined) return [202, null];
  if (!["initialize", "tools/list", "tools/call"].includes(method)) {
    return [200, { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }];
  }
  return [200, { jsonrpc: "2.0", id, result: result(method, token) }];
}

createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const [status, value, headers] = await served(request, body);
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(value === null ? "" : JSON.stringify(value));
}).listen(Number(SERVER_PORT), "127.0.0.1");
provider.listen(Number(PORT), "127.0.0.1");
