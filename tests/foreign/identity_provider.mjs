// oidc-provider, as its documentation sets it up, with people who are whoever they say they are.
const { ISSUER, PORT, CALLBACK, CLIENT_SECRET, OIDC_PROVIDER } = process.env;
const { default: Provider } = await import(OIDC_PROVIDER);

const provider = new Provider(ISSUER, {
  clients: [{
    client_id: "tradepost",
    client_secret: CLIENT_SECRET,
    redirect_uris: [CALLBACK],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  findAccount: async (_context, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      email: `${id}@acme.example`,
      email_verified: !id.startsWith("unverified"),
      name: `${id} of Acme`,
    }),
  }),
});
provider.listen(Number(PORT), "127.0.0.1");
