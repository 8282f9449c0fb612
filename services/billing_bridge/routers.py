"""Every way into the billing bridge over HTTP."""

from typing import Final

from services.billing_bridge.codes.endpoints import router as code_router
from services.billing_bridge.disclosure_endpoints import router as disclosure_router
from services.billing_bridge.endpoints import router as charge_router
from services.billing_bridge.preview_endpoints import preview_router
from services.billing_bridge.report_endpoints import router as report_router
from services.billing_bridge.worklist_endpoints import router as worklist_router
from shared.web.application import routes_of

ROUTES: Final = routes_of(
    charge_router,
    worklist_router,
    report_router,
    disclosure_router,
    code_router,
    preview_router,
)
