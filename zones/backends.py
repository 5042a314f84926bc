from guardian.backends import ObjectPermissionBackend

from zones.access import DISPATCH


class ZonePermissionBackend(ObjectPermissionBackend):
    """guardian's object permissions, where a model-wide zone permission counts for each zone too.

    Without it `get_objects_for_user` lists every zone for such a user while `has_perm(perm, zone)` says no.
    """

    def has_perm(self, user_obj, perm, obj=None):
        if obj is not None and perm == DISPATCH and user_obj.has_perm(DISPATCH):
            return True
        return super().has_perm(user_obj, perm, obj)
