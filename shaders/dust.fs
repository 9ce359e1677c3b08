/*{
    "DESCRIPTION": "The body as dust in a beam: points that light up where it is, and drift off it where it was.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Stylize", "Particles", "Silhouette"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "density", "LABEL": "Density", "TYPE": "float", "DEFAULT": 0.6, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "linger", "LABEL": "How long it lingers", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "rise", "LABEL": "Drift: down, still, up", "TYPE": "float", "DEFAULT": 0.75, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "scatter", "LABEL": "Scatter", "TYPE": "float", "DEFAULT": 0.4, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "hue", "LABEL": "Hue: amber, rose, tide", "TYPE": "float", "DEFAULT": 0.2, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "cloud", "PERSISTENT": true, "WIDTH": "floor($WIDTH/6)", "HEIGHT": "floor($HEIGHT/6)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 30}
}*/
// A cloud at a sixth of the size takes the body's shape, drifts and thins out. Three sheets of points lie in it, each
// point alone in its cell; a point is lit by the cloud where it is.

vec2 lattice(vec2 cell) {
    vec2 h = fract(mod(cell, 509.0) * vec2(0.1731, 0.2917));
    h += dot(h, h.yx + 19.37);
    return fract(vec2((h.x + h.y) * h.x * 7.13, (h.x - h.y + 2.0) * h.y * 5.71));
}

// One sheet, turned so that its rows are not seen: x its light, y its part in the body itself.
vec2 sheet(vec2 p, vec2 turn, float cell, float shift, float seed, float aspect) {
    vec2 q = vec2(turn.x * p.x - turn.y * p.y, turn.y * p.x + turn.x * p.y) / cell + vec2(0.0, shift);
    vec2 corner = floor(q), chance = lattice(corner + seed), more = lattice(corner + seed + 57.0);
    // Few are large, most are small; each wanders about its own place, slowly, and never leaves its cell.
    float largest = 0.11 + 0.26 * more.x * more.x;
    float angle = 6.2831853 * (fract(TIME / 12.0) + chance.x);
    vec2 middle = 0.5 + (0.9 - 2.0 * largest) * (vec2(chance.y, more.y) - 0.5) + 0.04 * vec2(cos(angle), sin(angle));
    vec2 home = (corner + middle - vec2(0.0, shift)) * cell;
    home = vec2(turn.x * home.x + turn.y * home.y, turn.x * home.y - turn.y * home.x);
    vec2 fields = IMG_NORM_PIXEL(cloud, (home + scatter * 0.07 * (more - 0.5) * (0.3 + chance.x)) / vec2(aspect, 1.0) + 0.5).rg;
    float there = fields.r * (1.6 - 0.6 * fields.r) * step(chance.x, 0.15 + 0.9 * density);
    float glint = 0.72 + 0.28 * sin(6.2831853 * (fract(TIME / 4.0) + more.y));
    float radius = largest * (0.35 + 0.65 * there);
    float pixel = 1.0 / (RENDERSIZE.y * cell);
    float point = smoothstep(radius + pixel, radius - pixel, length(q - corner - middle));
    return vec2(point * there * glint, fields.g);
}

void main() {
    vec2 place = isf_FragNormCoord;
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    if (PASSINDEX == 0) {
        float step_time = clamp(TIMEDELTA, 0.0, 0.1);
        vec2 p = place * vec2(aspect, 1.0);
        // A slow wind of three waves; it has no sources, so nothing heaps up.
        float a = 6.2831853 * fract(TIME / 11.0), b = 6.2831853 * fract(TIME / 17.0);
        vec2 wind = 0.05 * vec2(sin(p.y * 9.0 + a) + 0.6 * sin(p.y * 17.0 - b), sin(p.x * 7.0 + b) + 0.6 * sin(p.x * 15.0 + a));
        wind.y += 0.22 * (rise - 0.5);
        vec2 from = place - wind * step_time * vec2(1.0 / aspect, 1.0);
        float before = IMG_NORM_PIXEL(cloud, from).r;
        float keep = exp(-step_time / mix(0.12, 3.0, linger * linger));
        vec2 reach = vec2(0.25) / RENDERSIZE;
        float body = 0.25 * (IMG_NORM_PIXEL(inputImage, place + reach).r + IMG_NORM_PIXEL(inputImage, place - reach).r
                           + IMG_NORM_PIXEL(inputImage, place + vec2(reach.x, -reach.y)).r + IMG_NORM_PIXEL(inputImage, place - vec2(reach.x, -reach.y)).r);
        gl_FragColor = vec4(max(body, before * keep), body, 0.0, 1.0);
        return;
    }
    vec2 p = (place - 0.5) * vec2(aspect, 1.0);
    float slow = 509.0 * fract(TIME / 1018.0);     // cells; the points repeat when it comes home
    vec2 fine = sheet(p, vec2(0.924, 0.383), 0.0075, 0.0, 3.0, aspect);
    vec2 middle = sheet(p, vec2(0.985, -0.174), 0.0125, -slow, 11.0, aspect);
    vec2 large = sheet(p, vec2(0.966, 0.259), 0.026, -slow, 23.0, aspect);
    float h = clamp(hue, 0.0, 1.0) * 2.0;
    vec3 warm = mix(mix(vec3(1.0, 0.702, 0.278), vec3(0.92, 0.35, 0.50), clamp(h, 0.0, 1.0)), vec3(0.20, 0.76, 0.83), clamp(h - 1.0, 0.0, 1.0));
    vec3 cold = mix(mix(vec3(1.0, 0.353, 0.212), vec3(0.42, 0.33, 0.90), clamp(h, 0.0, 1.0)), vec3(0.36, 0.30, 0.85), clamp(h - 1.0, 0.0, 1.0));
    vec3 bone = vec3(0.98, 0.94, 0.87);
    vec3 colour = mix(cold, bone, fine.y) * fine.x + mix(cold, warm, middle.y) * middle.x + mix(cold, warm, large.y) * large.x;
    // What is too fine to be seen as points.
    vec2 haze = IMG_NORM_PIXEL(cloud, place).rg;
    colour = clamp(colour + cold * haze.x * haze.x * 0.16 + warm * haze.y * 0.06, 0.0, 1.0);
    gl_FragColor = vec4(colour, max(colour.r, max(colour.g, colour.b)));
}
