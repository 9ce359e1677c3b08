/*{
    "DESCRIPTION": "The body's outline as a glass tube of light, with rings of it that travel outwards.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Stylize", "Glow", "Silhouette"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "hue", "LABEL": "Hue: ember, rose, violet, tide", "TYPE": "float", "DEFAULT": 0.25, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "width", "LABEL": "Width of the tube", "TYPE": "float", "DEFAULT": 0.3, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "glow", "LABEL": "Glow", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "rings", "LABEL": "Rings about the body", "TYPE": "float", "DEFAULT": 0.35, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "fill", "LABEL": "Body seen inside", "TYPE": "float", "DEFAULT": 0.0, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "across", "WIDTH": "floor($WIDTH/6)", "HEIGHT": "floor($HEIGHT/6)", "FLOAT": true},
        {"TARGET": "field", "WIDTH": "floor($WIDTH/6)", "HEIGHT": "floor($HEIGHT/6)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 20}
}*/

#if defined(GL_ES) && __VERSION__ < 300
#extension GL_OES_standard_derivatives : enable  // fwidth, in a browser
#endif
// The field falls off as an exponential of the distance from the body, so that its logarithm is a distance: rings are
// its contour lines. The tube itself is cut from the picture at its full size.

const vec3 EMBER = vec3(1.0, 0.353, 0.212), ROSE = vec3(0.90, 0.24, 0.46), VIOLET = vec3(0.42, 0.33, 1.0), TIDE = vec3(0.122, 0.78, 0.86);

vec3 light_of(float hue) {
    float h = clamp(hue, 0.0, 1.0) * 3.0;
    vec3 colour = mix(EMBER, ROSE, clamp(h, 0.0, 1.0));
    colour = mix(colour, VIOLET, clamp(h - 1.0, 0.0, 1.0));
    return mix(colour, TIDE, clamp(h - 2.0, 0.0, 1.0));
}

float body(vec2 place) {
    return dot(IMG_NORM_PIXEL(inputImage, place).rgb, vec3(0.30, 0.59, 0.11));
}

void main() {
    vec2 place = isf_FragNormCoord;
    if (PASSINDEX < 2) {
        vec2 sum = vec2(0.0), weights = vec2(0.0);
        vec2 step = (PASSINDEX == 0 ? vec2(RENDERSIZE.y / RENDERSIZE.x, 0.0) : vec2(0.0, 1.0)) * 0.013;
        vec2 rows = vec2(0.0, 0.25 / RENDERSIZE.y);
        for (int i = 0; i < 13; i++) {
            float t = float(i) - 6.0;
            vec2 weight = vec2(exp(-0.5 * t * t), exp(-0.1 * t * t) + 0.12 * exp(-0.03 * t * t));
            vec2 at = place + step * t;
            // Two samples, for the picture has six rows to one here and edges must not dance up and down.
            vec2 here = PASSINDEX == 0 ? vec2(0.5 * (body(at + rows) + body(at - rows))) : IMG_NORM_PIXEL(across, at).rg;
            sum += here * weight;
            weights += weight;
        }
        gl_FragColor = vec4(sum / weights, 0.0, 1.0);
        return;
    }
    vec4 source = IMG_THIS_PIXEL(inputImage);
    float here = dot(source.rgb, vec3(0.30, 0.59, 0.11));
    float reach = 0.0012 + 0.0050 * width;
    vec2 across_reach = vec2(reach * RENDERSIZE.y / RENDERSIZE.x, reach);
    float a = body(place + across_reach * vec2(0.92, 0.38)), b = body(place + across_reach * vec2(-0.38, 0.92));
    float c = body(place + across_reach * vec2(-0.92, -0.38)), d = body(place + across_reach * vec2(0.38, -0.92));
    float most = max(max(a, b), max(c, d)), least = min(min(a, b), min(c, d));
    // Rows of a company differ by a fifth of their tone: their outlines count too.
    float tube = smoothstep(0.08, 0.45, most - least);

    vec2 fields = IMG_NORM_PIXEL(field, place).rg;
    float near = fields.x, soft = fields.y;
    float far = -log2(max(soft, 0.0005));           // 0 inside, about 1 at the edge, then steadily more
    float edge = clamp(4.0 * near * (1.0 - near), 0.0, 1.0);     // 1 along the edge, to both sides of it
    float halo = mix(0.8 * near + 0.8 * soft, 0.40 * edge * edge, clamp(here, 0.0, 1.0));
    // Rings: contour lines that move outwards and thin out.
    float phase = far * 1.1 - fract(TIME / 6.0);
    float line = abs(fract(phase) - 0.5);
    float thin = max(fwidth(phase), 0.001);
    float ring = (1.0 - smoothstep(thin * 0.6, thin * 1.7, line)) * step(0.0005, soft);
    ring *= (1.0 - smoothstep(1.5, 9.0, far)) * smoothstep(0.9, 1.8, far) * (1.0 - here);

    vec3 colour = light_of(hue), further = light_of(hue + 0.16);
    vec3 light = (colour * halo * (0.35 + 1.9 * halo) + further * halo * 0.5) * (0.25 + 1.5 * glow);
    light += further * ring * rings * 1.6;
    light /= 1.0 + 0.35 * max(light.r, max(light.g, light.b));
    light = mix(light, mix(colour, vec3(1.0, 0.96, 0.92), 0.35 + 0.45 * glow), tube);
    vec3 result = source.rgb * fill * (1.0 - tube) + light;
    float alpha = max(source.a, max(light.r, max(light.g, light.b)));
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    gl_FragColor = vec4(result + (dither - 0.5) / 255.0, clamp(alpha, 0.0, 1.0));
}
