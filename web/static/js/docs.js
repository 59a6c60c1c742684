// Shows the description of the API. Swagger UI is a global of its own script, which runs before.

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  tryItOutEnabled: true,
  // would ask a server elsewhere
  validatorUrl: null,
});
