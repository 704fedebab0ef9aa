// An identity provider that others wrote, for the journeys: `oidc-provider`, which the OpenID Foundation has certified.
//
// In: as arguments the client's redirect URL. Out: one line of JSON with its address once it listens.
// Who logs in is said by the cookie `who`, so that no form has to be filled in (`nobody` gives up). The cookie `token` has it sign another token
// than its own: with another `nonce`, for another `audience`, by a `key` that it does not publish; or, rightly, with word of a second `factor`.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, decodeJwt, importJWK } from "jose";
import { Provider } from "oidc-provider";

const [redirect] = process.argv.slice(2);
const pair = async () => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "own" };
};
const own = await pair();
const stolen = await pair();
const tokens = new Map();

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
// Another site than the console, to a browser.
const issuer = `http://localhost:${server.address().port}`;

const cookie = (request, name) =>
  (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("=")).find(([key]) => key === name)?.[1];

const provider = new Provider(issuer, {
  clients: [{ client_id: "steppewatch", client_secret: "the provider's secret for us, long", redirect_uris: [redirect], response_types: ["code"], id_token_signed_response_alg: "ES256" }],
  jwks: { keys: [own] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["for tests"] },
  claims: { profile: ["preferred_username"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  // What the person is called stands in the answer to a second question, as with most providers.
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
  loadExistingGrant: async (context) => {
    const grant = new provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, error) => console.error(error));

/** The provider's token, changed. */
async function signedAnew(token, how) {
  const claims = decodeJwt(token);
  if (how === "nonce") claims.nonce = "another";
  if (how === "audience") claims.aud = "somebody else";
  if (how === "factor") claims.amr = ["pwd", "otp"];
  const key = await importJWK(how === "key" ? stolen : own, "ES256");
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "own" }).sign(key);
}

provider.use(async (context, next) => {
  const { path, req, res } = context;
  if (path.startsWith("/interaction/")) {
    const who = cookie(req, "who");
    tokens.set(who, cookie(req, "token"));
    await provider.interactionFinished(req, res, who === "nobody" ? { error: "access_denied" } : { login: { accountId: who, remember: false } });
    context.respond = false;
    return;
  }
  await next();
  if (path !== "/token" || !context.body?.id_token) return;
  const how = tokens.get(decodeJwt(context.body.id_token).sub);
  if (how) context.body = { ...context.body, id_token: await signedAnew(context.body.id_token, how) };
});
server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));
