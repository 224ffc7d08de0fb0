// Swagger UI over our own document. Its script makes `SwaggerUIBundle` known; modules run after it.

const main = document.querySelector("#swagger-ui");

window.SwaggerUIBundle({
  domNode: main,
  url: main.dataset.document,
  deepLinking: true, // an address of each operation, to be passed on
  docExpansion: "list",
  filter: true,
  showExtensions: true,
  validatorUrl: null, // it would ask another host
});
