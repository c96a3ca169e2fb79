"""The studio: the verbs of a command as a page in the browser, an HTTP API, and an OSC port.

    command     `seqvae studio`: options, the socket, the server's life
    app         the routes and their errors
    guard       who may ask, and how much may be sent
    verbs       a verb of the command line, run on files that were sent
    served      its job, which keeps models and reports
    pool        threads, and the queue before them
    models      models that are loaded once, and decoding for many people at once
    live        a point between inputs, decoded while somebody moves it
    requests    what the page asks for
    ways        the ways between corners
    stage       what a domain adds: what the page draws
    describe    the OpenAPI description, and its page
    osc         the same over Open Sound Control

Nothing is written but temporary files, which are gone when a request is answered. `command` alone
is imported for `--help`.
"""
